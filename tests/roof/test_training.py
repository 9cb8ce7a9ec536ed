"""`wwt import-history`, `train`, `train --shadow` and `export-history`, one after the other, as an admin would."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from wwt_framework.evidence import plain_decision
from wwt_framework.services.learning import beside
from wwt_framework.services.learning.models import Models
from wwt_framework.testing import contract_history

CONFIG = "wwt: {data_dir: data}\nml:\n  linear: {search: {strength: [0.01, 1.0]}, parameters: []}\n"
PAST = contract_history(150).decisions


def written(path: Path, decisions: Any) -> str:
    path.write_text("".join(json.dumps(plain_decision(one)) + "\n" for one in decisions), encoding="utf-8")
    return path.name


def test_c4_a_shadow_is_put_beside_the_model_that_counts_at_the_next_training(wwt: Any, tmp_path: Path) -> None:
    (tmp_path / "plugins.yml").write_text(CONFIG, encoding="utf-8")
    older, newer = PAST[:120], PAST[120:]
    assert "120 decisions kept" in wwt.run("import-history", written(tmp_path / "past.jsonl", older)).stdout
    first = wwt.run("train").stdout
    second = wwt.run("train", "--shadow").stdout
    now = datetime.now(timezone.utc)
    late = [replace(one, decided_at=now, action=replace(one.action, submitted_at=now, changed_at=now)) for one in newer]
    wwt.run("import-history", written(tmp_path / "late.jsonl", late))
    wwt.run("train")

    assert "of 2 choices, log-loss " in first
    assert "the first model - it counts now" in first
    assert "runs in shadow" in second
    told = beside.of(Models(tmp_path / "data", "ml.linear"))
    assert told is not None
    assert told.trouble == ""
    assert {row.family for row in told.rows} == {one.case.workflow.prep_id for one in newer}
    assert len(told.rows) == 60
    assert "300 tasks written" in wwt.run("export-history", "all.json").stdout
    assert len(json.loads((tmp_path / "all.json").read_bytes())) == 300
