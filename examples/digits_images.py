"""Writes images.npz: twenty of scikit-learn's digits that training did not see, with labels."""

import numpy as np
from sklearn.datasets import load_digits

IMAGES = 20
FIRST = 1437  # where the images that training did not see begin

data = load_digits()
chosen = slice(FIRST, FIRST + IMAGES)
pixels = (data.images[chosen] * 15).astype(np.uint8)[..., None]
np.savez("images.npz", images=pixels, labels=data.target[chosen])
