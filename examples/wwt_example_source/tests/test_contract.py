from pathlib import Path
from typing import Any

from wwt_framework.testing import ErrorSourceContract
from wwt_framework.testing.running import Running

GOOD = "task,exit_code,site,jobs\n/wf_a/Production,8028,T2_US_Purdue,17\n/wf_b/Merge,85,T1_US_FNAL,2\n"


class TestCsvFile(ErrorSourceContract):
    plugin = "errors.csv_file"
    workflow = "wf_a"

    def make_options(self, folder: Path) -> dict[str, Any]:
        self.path = folder / "errors.csv"
        self.path.write_text(GOOD)
        return {"path": str(self.path)}

    def break_source(self, it: Running) -> None:
        self.path.write_text("<html>503 Service Unavailable</html>")

    def spoil_one_cell(self, it: Running) -> str:
        self.path.write_text(GOOD.replace("17", "many"))
        return "wf_a"

    def cut_short(self, it: Running) -> str:
        self.path.write_text(GOOD + "# lower bounds for wf_b: 2 of 3 agents answered\n")
        return "wf_b"
