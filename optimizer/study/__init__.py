"""What-if policy studies: instances in hundreds of scenarios, solved, stopped, resumed and compared."""

from optimizer.study.comparing import compare
from optimizer.study.discovery import Discovery, discover
from optimizer.study.findings import FindingResult, answer_of, judge_findings, weighted_totals
from optimizer.study.folder import StudyFolder
from optimizer.study.frontier_files import frontiers_in
from optimizer.study.frontiers import Frontier, FrontierPoint, frontier
from optimizer.study.loading import Loaded, load_study
from optimizer.study.models import Study
from optimizer.study.regrets import RegretTable, regret
from optimizer.study.runner import StudyProgress, run_study
from optimizer.study.status import scenario_rows

__all__ = [
    "Discovery", "FindingResult", "Frontier", "FrontierPoint", "Loaded", "RegretTable", "Study", "StudyFolder",
    "StudyProgress", "answer_of", "compare", "discover", "frontier", "frontiers_in", "judge_findings", "load_study",
    "regret", "run_study", "scenario_rows", "weighted_totals",
]  # fmt: skip
