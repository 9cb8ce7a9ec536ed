"""Keeping what was learnt in a folder, and reading it again: by skops, which makes only what it is told to trust.

No model is ever unpickled, not even one of our own: a file that somebody put there can not run anything.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from wwt_framework.errors import PluginError

FILE = "model.skops"
#: Bytes of an unpacked model that are read at most: a small file may unpack to more than there is memory.
_MOST = 1_000_000_000
#: What a model may be made of beyond what skops trusts by itself.
TRUSTED = frozenset(
    {
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "numpy.random.mtrand.RandomState",
        "sklearn.tree._tree.Tree",
        "collections.OrderedDict",
    }
)


def save(into: Path, content: dict[str, Any]) -> None:
    """Keep *content*: estimators, arrays, texts and numbers in dictionaries and lists."""
    import skops.io

    skops.io.dump(content, into / FILE)


def load(folder: Path) -> dict[str, Any]:
    """What was kept in *folder*. Raises `PluginError` in words when it can not be, or may not be read."""
    import skops.io

    path = folder / FILE
    if not path.is_file():
        raise PluginError(f"{path} is not there; train the model again")
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
        if size > _MOST:
            raise PluginError(
                f"{path} unpacks to {size:,} bytes, and {_MOST:,} are the most that is read; train it again"
            )
        strange = set(skops.io.get_untrusted_types(file=path)) - TRUSTED
        if strange:
            raise PluginError(
                f"{path} holds what no model of ours is made of ({', '.join(sorted(strange)[:3])}); it is not read"
            )
        content: dict[str, Any] = skops.io.load(path, trusted=sorted(TRUSTED))
    except PluginError:
        raise
    except Exception as error:  # whatever is in a damaged file, it is not read
        raise PluginError(f"{path} can not be read ({type(error).__name__}: {error}); train the model again") from error
    return content
