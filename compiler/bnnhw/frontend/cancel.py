"""Terms that cancel: a - b + b is a.

Binary networks are trained with straight-through gradients, and code that spells them with detached
tensors, sign(x) - f(x) + f(x), leaves all of f in an exported file. Here every tensor is read as a
linear combination of terms. A term is the result of any operation that is not linear; two terms are
the same where the same operations compute them from the same tensors. A sum in which terms vanish
is replaced by what is left of it; nothing else changes, and what does not vanish stays.

Constants are treated alike, before they are evaluated: scale * sign(w) - clip(w) + clip(w) becomes
scale * sign(w) exactly, without the rounding of the sums.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from onnx import helper

from bnnhw.errors import ModelError
from bnnhw.frontend import constants
from bnnhw.frontend.growth import size
from bnnhw.frontend.limits import MAX_EXACT_BITS, Folded
from bnnhw.frontend.model_file import QUANT_DOMAINS, decode_node
from bnnhw.frontend.symbolic_shape import broadcast, sizes, transposed

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from numpy.typing import NDArray

    from bnnhw.frontend.onnx_nodes import OnnxModel, OnnxNode

    Array = NDArray[np.generic]

_LINEAR = ("Add", "Sub", "Sum", "Neg", "Mul", "Div", "Identity")
_ELEMENTWISE = frozenset(
    """
    Abs Add And Atan Cast Ceil Celu Clip Cos Cosh Div Elu Equal Erf Exp Floor Gelu Greater
    GreaterOrEqual HardSigmoid HardSwish Identity LeakyRelu Less LessOrEqual Log Max Min Mish Mod
    Mul Neg Not Or Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub
    Sum Tan Tanh Where Xor
    """.split()  # noqa: SIM905
)
_SUMS = ("Add", "Sub", "Sum")
_SMALL = 64
_MOST_TERMS = 256
"""Of a combination; a shortcut through all of Bi-Real Net-50 has about 50."""
_ONE = Fraction(1)


@dataclass(frozen=True)
class _Form:
    """A linear combination: sum of coefficient * term, plus a constant."""

    terms: tuple[tuple[int, Fraction], ...]
    constant: Fraction = Fraction(0)

    def times(self, factor: Fraction) -> _Form:
        return _Form(tuple((t, c * factor) for t, c in self.terms), self.constant * factor)

    @property
    def is_large(self) -> bool:
        """Whether reading on with this combination would take too long."""
        numbers = [self.constant, *(c for _, c in self.terms)]
        return len(numbers) > _MOST_TERMS or size(numbers) > MAX_EXACT_BITS

    @property
    def factor(self) -> Fraction:
        """The coefficient of a single term without a constant; 1 for anything else."""
        return self.terms[0][1] if len(self.terms) == 1 and not self.constant else Fraction(1)


@dataclass(frozen=True)
class Simplified:
    """A model without the terms that cancel.

    Attributes:
        model: the model; constants that were computed are among its constants.
        in_activations: the nodes where terms of activations cancelled.
        in_weights: the nodes where terms of constants did.
    """

    model: OnnxModel
    in_activations: tuple[OnnxNode, ...]
    in_weights: tuple[OnnxNode, ...]

    @property
    def notes(self) -> list[str]:
        """What the user should know about it."""
        found = [
            f"{len(nodes)} of {what}"
            for nodes, what in (
                (self.in_activations, "activations"),
                (self.in_weights, "weights"),
            )
            if nodes
        ]
        if not found:
            return []
        first = (*self.in_activations, *self.in_weights)[0]
        return [
            f"straight-through arithmetic left out, since its terms cancel (a - b + b = a): "
            f"{' and '.join(found)}, first at {first.where}"
        ]


def cancel(model: OnnxModel) -> Simplified:
    """The model with every sum whose terms cancel replaced by what is left of it."""
    algebra = _Algebra(model)
    nodes: list[OnnxNode] = []
    found: tuple[list[OnnxNode], list[OnnxNode]] = ([], [])
    for node in model.nodes:
        made = algebra.read(node)
        nodes += made or [node]
        if made:
            found[node.outputs[0] in algebra.computed].append(node)
    kept = _needed(nodes, model.output_name, algebra.values)
    used = {name for node in kept for name in node.inputs} | {model.output_name}
    values = {name: value for name, value in algebra.values.items() if name in used}
    changed = replace(model, nodes=tuple(kept), constants=values, roots=algebra.roots)
    return Simplified(changed, tuple(found[0]), tuple(found[1]))


def _needed(nodes: list[OnnxNode], output: str, values: dict[str, Array]) -> list[OnnxNode]:
    """The nodes that the output depends on and that are not evaluated yet."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs) and not all(o in values for o in node.outputs if o):
            kept.append(node)
            wanted.update(node.inputs)
    return kept[::-1]


class _Algebra:
    """What is known of the tensors read so far.

    Attributes:
        values: constants of the file and those computed here, by name.
        computed: names of all tensors that do not depend on the input.
        roots: constants that are a square root (1) or the inverse of one (-1).
    """

    def __init__(self, model: OnnxModel) -> None:
        self.values: dict[str, Array] = dict(model.constants)
        self.computed: set[str] = set(model.constants)
        self.roots: dict[str, int] = {}
        self._opset = model.opset
        self._folded = Folded()
        self._unknown: set[str] = set()
        self._producers: dict[str, OnnxNode] = {}
        self._forms: dict[str, _Form] = {}
        self._terms: dict[Hashable, int] = {}
        # By term: a tensor that holds it, and how many times.
        self._holders: list[tuple[str, Fraction]] = []
        self._shapes: dict[str, Hashable] = {}
        # Live tensors of integers: their arithmetic wraps, and what is rebuilt is in floats.
        self._integers = {model.input_name} if model.input_dtype.kind in "iu" else set()

    def read(self, node: OnnxNode) -> list[OnnxNode] | None:
        """Takes note of a node; the nodes that replace it where terms cancel in it."""
        out = node.outputs[0]
        self._shapes[out] = self._shape_after(node)
        if all(name in self.computed for name in node.inputs if name):
            self.computed.update(node.outputs)
            self._producers.update(dict.fromkeys(node.outputs, node))
            self._note_root(node)
            if node.op not in _ELEMENTWISE or self._is_small(out):
                self._value(out)
                if out in self.values:
                    return None
        form = self._combined(node)
        if form is None or form.is_large:
            self._add_terms(node)
            return None
        before = {term for name in node.inputs for term, _ in self._form(name).terms}
        self._forms[out] = form
        left = {term for term, _ in form.terms}
        if node.op not in _SUMS or not left or before == left:
            return None
        shapes = {self._shape(self._holders[term][0]) for term in left}
        return self._rebuilt(node, form) if self._shape(out) in shapes else None

    # --------------------------------------------------------------------------------- forms

    def _form(self, name: str) -> _Form:
        """The form of a tensor: a scalar's value, or a new term where nothing is known."""
        form = self._forms.get(name)
        if form is None:
            value = self.values.get(name)
            number = None if value is None else _number(value)
            if number is not None:
                form = _Form((), number)
            else:
                form = self._term(("tensor", name) if value is None else _content(value), name)
            self._forms[name] = form
        return form

    def _term(self, key: Hashable, name: str, times: Fraction = _ONE) -> _Form:
        """The term of that key; where it is new, ``name`` holds it so many times."""
        if key not in self._terms:
            self._terms[key] = len(self._holders)
            self._holders.append((name, times))
        return _Form(((self._terms[key], _ONE),))

    def _combined(self, node: OnnxNode) -> _Form | None:
        """The form of a linear operation's result; None for any other operation."""
        if node.op not in _LINEAR or node.domain or not all(node.inputs):
            return None
        if not self._integers.isdisjoint(node.inputs):
            self._integers.update(node.outputs)
            return None
        forms = [self._form(name) for name in node.inputs]
        if node.op == "Neg":
            return forms[0].times(-_ONE)
        if node.op in ("Add", "Sum", "Identity"):
            return _sum(forms)
        if len(forms) != 2:
            return None
        if node.op == "Sub":
            return _sum([forms[0], forms[1].times(-_ONE)])
        if node.op == "Mul":
            return self._product(forms, node.outputs[0])
        value = self.values.get(node.inputs[1])
        if value is None or value.dtype.kind != "f" or forms[1].terms or not forms[1].constant:
            return None
        return forms[0].times(1 / forms[1].constant)

    def _product(self, forms: list[_Form], name: str) -> _Form | None:
        for one, other in (forms, forms[::-1]):
            if not other.terms:
                return one.times(other.constant) if other.constant else None
        factors = [form.factor for form in forms]
        plain = [form.times(1 / c) for form, c in zip(forms, factors, strict=True)]
        key = ("Mul", *sorted(plain, key=lambda form: (form.terms, form.constant)))
        times = factors[0] * factors[1]
        return self._term(key, name, times).times(times)

    def _add_terms(self, node: OnnxNode) -> None:
        """Gives the results of a node terms of their own, the same for the same computation."""
        inputs = tuple(self._form(name) if name else None for name in node.inputs)
        attributes = tuple(sorted(a.SerializeToString() for a in node.proto.attribute))
        key: Hashable = (node.domain, node.op, inputs, attributes)
        foreign = node.domain not in ("", *QUANT_DOMAINS)
        if foreign or node.op in (*constants.RANDOM, "Dropout"):
            key = node.outputs
        for index, name in enumerate(node.outputs):
            if name:
                self._forms[name] = self._term((key, index), name)

    def _rebuilt(self, node: OnnxNode, form: _Form) -> list[OnnxNode]:
        """Nodes that compute ``form`` from the tensors that hold its terms."""
        out = node.outputs[0]
        made: list[OnnxNode] = []
        operands = []
        for i, (term, factor) in enumerate(form.terms):
            holder, times = self._holders[term]
            if factor != times:
                scale = self._new_constant(f"{out}/scale{i}", factor / times)
                made.append(_step(node, "Mul", [holder, scale], f"{out}/term{i}"))
                holder = f"{out}/term{i}"
            operands.append(holder)
        if form.constant:
            operands.append(self._new_constant(f"{out}/shift", form.constant))
        total = operands[0]
        for i, operand in enumerate(operands[1:]):
            made.append(_step(node, "Add", [total, operand], f"{out}/sum{i}"))
            total = f"{out}/sum{i}"
        made.append(_step(node, "Identity", [total], out))
        if out in self.computed:
            for one in made:
                self._producers[one.outputs[0]] = one
                self.computed.add(one.outputs[0])
        return made

    def _new_constant(self, name: str, number: Fraction) -> str:
        single = np.asarray(float(number), np.float32)
        exact = Fraction(float(single)) == number
        self.values[name] = single if exact else np.asarray(float(number))
        self.computed.add(name)
        return name

    # -------------------------------------------------------------------------------- values

    def _value(self, name: str) -> Array | None:
        """The value of a constant; None where it cannot be evaluated (the importer says why)."""
        open_names = [name]  # not by recursion: chains of constants may be long
        while open_names:
            last = open_names[-1]
            node = self._producers.get(last)
            if last in self.values or last in self._unknown or node is None:
                open_names.pop()
                continue
            missing = [n for n in node.inputs if n and n not in self.values]
            waiting = [n for n in missing if n in self._producers and n not in self._unknown]
            if waiting:
                open_names += waiting
                continue
            open_names.pop()
            self._unknown.update(node.outputs)
            if not missing:
                self._evaluate(node)
        return self.values.get(name)

    def _evaluate(self, node: OnnxNode) -> None:
        """Adds the values of a node's results, where they can be evaluated."""
        inputs = [self.values[given] if given else None for given in node.inputs]
        with contextlib.suppress(ModelError):
            results = constants.evaluate(node, inputs, self._opset, self._folded)
            self.values.update(zip(node.outputs, results, strict=False))

    def _note_root(self, node: OnnxNode) -> None:
        """Takes note of square roots of constants, by which decomposed BatchNorms divide."""
        out, given = node.outputs[0], [self.roots.get(name) for name in node.inputs]
        if node.op == "Sqrt":
            self.roots[out] = 1
        elif node.op == "Pow" and len(node.inputs) == 2:
            exponent = self._value(node.inputs[1])
            if exponent is not None and exponent.size == 1 and abs(exponent.flat[0]) == 0.5:
                self.roots[out] = 1 if exponent.flat[0] > 0 else -1
        elif node.op == "Reciprocal" and given[0]:
            self.roots[out] = -given[0]
        elif node.op == "Div" and given[-1]:
            one = self._value(node.inputs[0])
            if one is not None and (one == 1).all():
                self.roots[out] = -given[-1]
        elif node.op in ("Identity", "Cast", "Reshape", "Unsqueeze") and given[0]:
            self.roots[out] = given[0]

    # -------------------------------------------------------------------------------- shapes

    def _shape(self, name: str) -> Hashable:
        """The shape of a constant, or something that stands for the shape of a live tensor."""
        value = self.values.get(name)
        return self._shapes.get(name, ("of", name)) if value is None else value.shape

    def _shape_after(self, node: OnnxNode) -> Hashable:
        out = node.outputs[0]
        if node.op == "Transpose" and not node.domain:
            return transposed(self._shape(node.inputs[0]), node.attributes.get("perm"), out)
        if node.op not in _ELEMENTWISE or node.domain:
            return ("of", out)
        return broadcast({self._shape(name) for name in node.inputs if name}, out)

    def _is_small(self, name: str) -> bool:
        known = sizes(self._shape(name))
        return known is not None and math.prod(known) <= _SMALL


def _sum(forms: Iterable[_Form]) -> _Form:
    terms: dict[int, Fraction] = {}
    constant = Fraction(0)
    for form in forms:
        constant += form.constant
        for term, factor in form.terms:
            terms[term] = terms.get(term, Fraction(0)) + factor
    return _Form(tuple(sorted((t, c) for t, c in terms.items() if c)), constant)


def _number(value: Array) -> Fraction | None:
    """The value of a finite scalar."""
    if value.size != 1 or value.dtype.kind not in "fiu":
        return None
    number = value.reshape(-1)[0].item()
    return Fraction(number) if np.isfinite(number) else None


def _content(value: Array) -> Hashable:
    digest = hashlib.blake2b(np.ascontiguousarray(value).tobytes()).digest()
    return ("constant", value.dtype.str, value.shape, digest)


def _step(node: OnnxNode, op: str, inputs: list[str], output: str) -> OnnxNode:
    """A node that stands for ``node`` in messages."""
    return decode_node(helper.make_node(op, inputs, [output], name=node.name))
