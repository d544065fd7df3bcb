"""A trained network to a TensorFlow SavedModel with a named signature, and its contract beside it.

::

    NAME-saved-model/
      saved_model.pb, variables/    the float network as trained, nothing folded: it can be trained on
      assets.extra/                 where SavedModel leaves room for files of others
        cspine_edge.json            the contract
        labels.txt                  class names, one a line

Signature ``serving_default``: ``image``, float32, (n, height, width, channels), in the contract's value range; gives
``logits`` and ``probability``, float32, (n, 2).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from cspine_edge.contract import CONTRACT_FILE, LABELS_FILE, Contract, Outputs, Precision
from cspine_edge.errors import OutputError
from cspine_edge.files import refuse_existing
from cspine_edge.native import native_messages_caught
from cspine_edge.training.framework import tf

from .contract_writer import LABELS_TEXT, describe_provenance, new_contract
from .source import Source
from .tflite import serving

EXTRA = "assets.extra"


def export_saved_model(source: Source, out: Path, *, overwrite: bool = False) -> Contract:
    """Write a network as a SavedModel.

    Threshold, temperature and abstention are the run's own, as ``train`` chose them for this network; the
    positions of the outputs are their alphabetical order, as ``structured_outputs`` has them.

    Parameters
    ----------
    source
        The network.
    out
        The folder to write.
    overwrite
        Replace an existing SavedModel; no other folder is ever removed.

    Raises
    ------
    OutputError
        If ``out`` exists and ``overwrite`` is false, or it is no SavedModel; or it cannot be written.
    """
    refuse_existing(out, overwrite=overwrite)
    if out.exists() and not (out / "saved_model.pb").is_file():
        raise OutputError(out, "is no SavedModel and is not replaced; choose another --out")
    model, spec, run = source.model, source.spec, source.run
    provenance = describe_provenance(run, source.path, Precision.FLOAT32, source.data, None, out)
    contract = new_contract(spec, Outputs(logits=0, probability=1), provenance)
    if run is not None:
        contract = contract.with_decision(run.decision)
    signatures = {"serving_default": serving(model, spec, batch=None)}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            written = Path(folder) / "model"
            with native_messages_caught():
                tf.saved_model.save(model, str(written), signatures=signatures)
            extra = written / EXTRA
            extra.mkdir()
            document = json.dumps(contract.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
            (extra / CONTRACT_FILE).write_text(document + "\n", encoding="utf-8")
            (extra / LABELS_FILE).write_text(LABELS_TEXT, encoding="utf-8")
            if out.exists():
                shutil.rmtree(out)
            written.rename(out)
    except OSError as error:
        raise OutputError(out, f"cannot be written ({error.strerror}); choose another place") from error
    return contract
