"""The state of an import: constants, views of graph tensors, and the nodes made so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend import views
from bnnhw.frontend.growth import Growth
from bnnhw.frontend.limits import MAX_EXPONENT, Folded, check_count, check_work
from bnnhw.frontend.near_binary import Binarised, binarised
from bnnhw.frontend.node_names import NodeNames
from bnnhw.frontend.views import View
from bnnhw.ir.exact import exact, floats
from bnnhw.ir.graph import InputFormat, Node, Statistics
from bnnhw.ir.ops import Affine, Concat, Conv, Dense, Flatten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.frontend.curves import Pending
    from bnnhw.frontend.onnx_nodes import OnnxModel, OnnxNode
    from bnnhw.frontend.options import LoadOptions
    from bnnhw.frontend.parts import Padded, Part
    from bnnhw.frontend.stairs import Stairs
    from bnnhw.ir.ops import Exacts, Floats, Op, Tensor


class LayoutError(ModelError):
    """An operation reads the image with its axes in another order than the graph's."""


class Context:
    """What the handlers of ONNX operations read and extend.

    Attributes:
        model, options: the file, and the user's declarations.
        batch: the batch size, or ``views.DYNAMIC_BATCH``.
        constants: values of constant tensors by ONNX name.
        folded: what computing the constants has cost.
        views: live tensors by ONNX name.
        tensors: shape and type of graph tensors.
        nodes: graph nodes made so far.
        tables: by ONNX name, for tensors computed element by element from an input of at most 8
            bits: their values for every input integer, as the model computes them.
        nonnegative, bits: graph tensors known to be >= 0; those of comparisons, 0 or 1.
        pending, producers: functions that jump, by ONNX name; the maker of each graph tensor.
        pads: padding (top, left, bottom, right) that a Pad node adds, and with what, by ONNX name
            of its result; the convolution that reads it takes it over.
        rounding: for nodes of type Affine: the sum of magnitudes of the terms of the shift, from
            which the rounding error of the model's own arithmetic is bounded.
        zero_repairs: for results of x == 0, by ONNX name: the name of x.
        statistics: of graph tensors, where a BatchNorm tells.
        centred: graph tensors from which a constant was subtracted: the first piece of a BatchNorm.
        parts: some channels of graph tensors, or those and zeros, by ONNX name.
        stairs: graph tensors that nested Where made of another tensor's numbers.
        binarised: weights that were +-alpha but for rounding or zeros, by the layer's result;
            ``first_binarised``: the first such layer.
        input_tensor, input_format: the graph's input, and how the model's input maps to it.
        notes: sentences for the user.
        scores: ONNX name of the scores where operations after them were left out.
        chosen: whether a choice of the best class is among these.
    """

    def __init__(self, model: OnnxModel, options: LoadOptions, batch: int) -> None:
        self.model, self.options, self.batch = model, options, batch
        self.constants: dict[str, NDArray[np.generic]] = dict(model.constants)
        self.folded = Folded()
        self.views: dict[str, View] = {}
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.tables: dict[str, NDArray[np.generic]] = {}
        self.nonnegative: set[str] = set()
        self.bits: set[str] = set()
        self.pending: dict[str, Pending] = {}
        self.parts: dict[str, Part | Padded] = {}
        self.producers: dict[str, Node] = {}
        self.pads: dict[str, tuple[tuple[int, int, int, int], float]] = {}
        self.zero_repairs: dict[str, str] = {}
        self.statistics: dict[str, Statistics] = {}
        self.centred: set[str] = set()
        self.stairs: dict[str, Stairs] = {}
        self.binarised: dict[str, Binarised] = {}
        self.first_binarised = ""
        self.input_format: InputFormat | None = None
        self.input_tensor = model.input_name
        self.rounding: dict[str, Floats] = {}
        self.notes: list[str] = []
        self.scores: str | None = None
        self.chosen = False
        self._growth = Growth()
        self._layers = 0
        self._names = NodeNames(model.nodes)

    # ------------------------------------------------------------------------------ reading

    def constant(self, name: str | None) -> NDArray[np.generic] | None:
        """The value of a tensor; None where it is live or left out."""
        return self.constants.get(name) if name else None

    def need_constant(self, node: OnnxNode, index: int, what: str) -> NDArray[np.generic]:
        """The value of an input that must be constant."""
        value = self.constant(node.optional(index))
        if value is None:
            raise ModelError(
                f"its {what} is missing or computed from the input",
                where=node.where,
                fix=f"export the model with a constant {what}",
            )
        return value

    def view(self, node: OnnxNode, index: int = 0) -> View:
        """The live tensor at an input."""
        name = node.optional(index)
        known = self.pending.get(name or "") or self.parts.get(name or "")
        if known is not None:
            error = known.refusal
            raise error
        if name is None or name not in self.views:
            raise ModelError(
                f"its input {index} is a constant", where=node.where, fix="export the model again"
            )
        return self.views[name]

    def live_inputs(self, node: OnnxNode) -> list[int]:
        """Positions of the inputs that depend on the model's input."""
        live = (self.views, self.pending, self.parts)
        return [i for i, name in enumerate(node.inputs) if any(name in known for known in live)]

    def sizes(self, view: View) -> dict[str, int]:
        """Sizes of the axes of the graph tensor behind a view."""
        return views.axis_sizes(self.tensors[view.tensor].shape, self.batch, view.order)

    def shape(self, view: View) -> tuple[int, ...]:
        """The ONNX tensor's shape, the batch first where it is."""
        return views.view_shape(view, self.sizes(view))

    # ------------------------------------------------------------------------------ writing

    def add(
        self, op: Op, tensor: str | tuple[str, ...], node: OnnxNode, output: str | None = None
    ) -> str:
        """Appends a graph node reading ``tensor``; returns the name of its output.

        Args:
            op: the operation.
            tensor: graph tensor or tensors it reads.
            node: the ONNX node it comes from.
            output: ONNX name of the result; None for an intermediate one.
        """
        name = self._names.of(op, node)
        target = output if output and output not in self.tensors else f"{name}:out"
        while target in self.tensors:
            target += "'"
        inputs = (tensor,) if isinstance(tensor, str) else tensor
        made = Node(name, op, inputs, target, node.name or f"{node.op} -> {node.outputs[0]}")
        try:
            self.tensors[target] = op.infer(*(self.tensors[name] for name in inputs))
        except ModelError as error:
            raise ModelError(error.what, where=node.where, fix=error.fix) from error
        check_work(op, self.tensors[inputs[0]].shape, self.tensors[target].shape, node.where)
        self._growth.follow(op, inputs, target, node.where)
        self.nodes.append(made)
        self.producers[target] = made
        self._layers += isinstance(op, (Conv, Dense))
        check_count(len(self.nodes), self._layers, node.where)
        return target

    def add_source(self, op: Op, tensor: str) -> str:
        """Appends a graph node that stands for a declaration of the user, not for an ONNX node."""
        name = "input_scale"
        self._names.take(name)
        target = f"{name}:out"
        self.tensors[target] = op.infer(self.tensors[tensor])
        self.nodes.append(Node(name, op, (tensor,), target, "the declared input scale"))
        return target

    def broadcast_rank(self, view: View, rank: int) -> View:
        """The view with dimensions of size 1 put in front, as broadcasting does.

        A batch of 1 stays first: it is one of them.
        """
        missing = rank - len(view.dims)
        if missing <= 0:
            return view
        ones: tuple[tuple[str, ...], ...] = ((),) * missing
        if self.batch == 1 and view.batch_first:
            return View(view.tensor, (view.dims[0], *ones, *view.dims[1:]))
        return View(view.tensor, ones + view.dims)

    def affine(
        self,
        view: View,
        node: OnnxNode,
        *,
        scale: NDArray[np.generic] | None = None,
        shift: NDArray[np.generic] | None = None,
        output: str | None = None,
    ) -> View:
        """Multiplies by and adds constants that broadcast against the ONNX tensor."""
        one, zero = np.asarray(1), np.asarray(0)
        return self.affine_exact(
            view,
            node,
            scale=exact(collapsed(finite(one if scale is None else scale, node))),
            shift=exact(collapsed(finite(zero if shift is None else shift, node))),
            output=output,
        )

    def affine_exact(
        self,
        view: View,
        node: OnnxNode,
        *,
        scale: Exacts,
        shift: Exacts,
        magnitude: Exacts | None = None,
        output: str | None = None,
    ) -> View:
        """The same with fractions; ``magnitude`` is the sum of magnitudes of the shift's terms."""
        size = np.abs(shift) if magnitude is None else magnitude
        terms = [np.asarray(term, object) for term in (scale, shift, size)]
        view = self._copied(view, terms, node)
        view, (scale_c, shift_c, magnitude_c) = self._per_channel(view, terms, node)
        target = self.add(Affine(scale_c, shift_c), view.tensor, node, output)
        self.rounding[self.nodes[-1].name] = floats(magnitude_c)
        known = self.statistics.get(view.tensor)
        if known is not None:
            gain, offset = floats(scale_c), floats(shift_c)
            mean, std = gain * known.mean + offset, np.abs(gain) * known.std
            self.statistics[target] = Statistics(mean, std)
        return View(target, view.dims)

    def binary_weights(self, weight: Floats, node: OnnxNode) -> Floats:
        """Weights that are nearly +-alpha per output channel as exactly that, others unchanged."""
        found = binarised(weight, -1.0 if self.options.sign_zero == "minus" else 1.0)
        if found is None:
            return weight
        self.binarised[node.outputs[0]] = found
        self.first_binarised = self.first_binarised or node.where
        return found.weight

    def _per_channel(
        self, view: View, terms: list[Exacts], node: OnnxNode
    ) -> tuple[View, list[Exacts]]:
        channels = self.tensors[view.tensor].shape[0]
        if all(term.size == 1 for term in terms):
            return view, [np.repeat(term.reshape(1), channels) for term in terms]
        sizes = self.sizes(view)
        try:
            whole = [
                term.reshape((1,) * len(self.tensors[view.tensor].shape))
                if term.size == 1
                else views.in_graph_order(view, term, sizes)
                for term in terms
            ]
        except ModelError as error:
            raise ModelError(error.what, where=node.where, fix="check the shape") from error
        by_channel = [term.reshape(term.shape[0], -1) for term in whole]
        if all(term.shape[1] == 1 or (term == term[:, :1]).all() for term in by_channel):
            return view, [np.broadcast_to(term[:, 0], (channels,)) for term in by_channel]
        if not view.batch_first or len([dim for dim in view.dims[1:] if dim]) != 1:
            raise ModelError(
                "its constant differs from pixel to pixel",
                where=node.where,
                fix="use one constant per channel",
            )
        shape = self.tensors[view.tensor].shape
        flat = self.flatten(view, node)
        return flat, [np.broadcast_to(term, shape).reshape(-1) for term in whole]

    def by_channel(
        self, view: View, values: NDArray[np.generic], node: OnnxNode
    ) -> NDArray[np.generic]:
        """A constant that broadcasts against the ONNX tensor: [C], or [1] where all are alike."""
        values = collapsed(values)
        if values.size == 1:
            return values.reshape(1)
        try:
            placed = views.in_graph_order(view, values, self.sizes(view))
        except ModelError as error:
            raise ModelError(error.what, where=node.where, fix="check the shape") from error
        if placed.size != len(placed):
            raise ModelError(
                "its constant differs from pixel to pixel",
                where=node.where,
                fix="use one constant per channel",
            )
        return placed.reshape(-1)

    def _copied(self, view: View, terms: list[Exacts], node: OnnxNode) -> View:
        """The view of copies of all channels, where a constant varies along a dimension of size 1.

        As levels of a thermometer code do: channels are copied, then each is compared with its own.
        """
        ranks = [(1,) * (len(view.dims) - term.ndim) + term.shape for term in terms]
        found = {
            (i, shape[i])
            for shape in ranks
            for i, dim in enumerate(view.dims)
            if dim == () and len(shape) == len(view.dims) and shape[i] > 1
        }
        sizes = self.sizes(view)
        if len(found) != 1 or views.graph_axes(sizes)[0] != "C":
            return view
        ((place, count),) = found
        target = self.add(Concat(), (view.tensor,) * count, node)
        dims = list(view.dims)
        dims[place] = (views.copies_axis(count),)
        made = View(target, tuple(dims))
        return views.channels_whole(made, self.sizes(made))

    def flatten(self, view: View, node: OnnxNode) -> View:
        """The view of a flattened copy (C, H, W order) of the graph tensor behind ``view``.

        ONNX dimensions keep their order, so a channels-last flatten is in another order than its
        graph tensor: only element-wise constants, already permuted, and weights may follow.
        """
        if len(self.tensors[view.tensor].shape) == 1:
            return view
        target = self.add_flatten(view.tensor, node)
        order = tuple(axis for axis in views.GRAPH_AXES if axis in view.order)
        if view.order != order:
            raise ModelError(
                "works on single elements of a flattened channels-last image",
                where=node.where,
                fix="flatten in (N, C, H, W) order, or put a fully connected layer there",
            )
        dims = tuple(("C",) if dim and dim != (views.BATCH,) else dim for dim in view.dims)
        return View(target, dims)

    def add_flatten(self, tensor: str, node: OnnxNode) -> str:
        """A flattened copy (C, H, W order) of an image; one for all its readers."""
        for made in self.nodes:
            if isinstance(made.op, Flatten) and made.inputs[0] == tensor:
                return made.output
        target = self.add(Flatten(), tensor, node)
        for known in (self.nonnegative, self.bits):
            if tensor in known:
                known.add(target)
        return target

    def layout_error(
        self, what: str, node: OnnxNode, expected: str = "(N, C, H, W)"
    ) -> LayoutError:
        """An error that another order of the input's axes may mend."""
        kind = "signal" if expected == "(N, C, L)" else "image"
        return LayoutError(
            what,
            where=node.where,
            fix=f"transpose the {kind} to {expected} before it, as exporters do",
        )


def finite(values: NDArray[np.generic], node: OnnxNode) -> NDArray[np.generic]:
    """``values``, checked to hold something, and neither infinity, NaN nor absurd numbers."""
    if values.dtype.kind not in "fiub" or not values.size:
        raise ModelError(
            f"has a constant that {'is no number' if values.size else 'holds nothing'}",
            where=node.where,
            fix="the file is damaged; export the model again",
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ModelError(
            "has a parameter that is infinite or not a number",
            where=node.where,
            fix="the training diverged or the file is damaged; train or export again",
        )
    if values.dtype == np.float64:  # smaller types reach no further than 2^+-149
        power = np.frexp(values[values != 0])[1]
        if power.size and np.abs(power).max() > MAX_EXPONENT:
            raise ModelError(
                f"has a parameter beyond 2^+-{MAX_EXPONENT}",
                where=node.where,
                fix="the training diverged or the file is damaged; train or export again",
            )
    return values


def collapsed(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """A constant with size 1 along each axis where it does not vary: it broadcasts alike."""
    for axis, size in enumerate(values.shape):
        first = values.take([0], axis)
        if size > 1 and (values == first).all():
            values = first
    return values
