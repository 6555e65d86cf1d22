from operations.automations.tasks import run_automation, sweep_runs
from operations.decisions.tasks import expire_decisions, measure_decisions

__all__ = ["expire_decisions", "measure_decisions", "run_automation", "sweep_runs"]
