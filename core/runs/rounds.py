"""The rounds of a training: what they were of, which is kept, and why that one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.config.training import RATES, TrainConfig
from core.runs.records import RunPlan

_UNTOLD = "?"


def why_kept(plan: RunPlan, history: Sequence[Mapping[str, Any]], best_epoch: int, *, stopped: bool = False) -> str:
    """Which round the model is as after, and why that one, in sentences, also where another had a smaller validation loss; ""
    for none. `stopped`: whether a person ended the training."""
    if not 0 < best_epoch <= len(history):
        return ""
    kept, stages = history[best_epoch - 1], stages_of(plan.config, history)
    stage = [epoch for epoch, name in zip(history, stages, strict=True) if name == stages[best_epoch - 1]]
    least = min(stage, key=lambda epoch: epoch["val_loss"])
    elsewhere = least["val_loss"] < kept["val_loss"]
    later = [epoch for epoch in history[best_epoch:] if epoch not in stage]
    reason, solved = f"Round {best_epoch} is kept", stages[best_epoch - 1] == "" and (bool(later) or not stopped)
    if solved and (plan.config.l2 or plan.config.l2_plain):
        reason += ": it knows its training pictures as well as it may without learning them by heart (loss with L2)"
    elif not solved and not elsewhere:
        before = " of the rounds before fine-tuning" if later else ""
        reason += f": there it was least far off on the validation pictures (validation loss){before}"
    elif kept is stage[-1]:
        reason += ", the last one before it was stopped" if stopped and kept is history[-1] else ", the last one"
    told = [f"{reason}."]
    if elsewhere:
        told.append(f"On the validation pictures it was less far off in round {least['epoch']} (validation loss).")
    if later:
        nearer = min(epoch["val_loss"] for epoch in later) < kept["val_loss"]
        told.append(
            "Fine-tuning after it had no more of them right, though it was less far off at times (validation loss)."
            if nearer
            else "Fine-tuning after it was no better."
        )
    return " ".join(told)


def stages_of(config: TrainConfig, history: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each epoch the setting that says how far its steps went; "" where none were taken: a head that is solved."""
    told = [next((name for name in RATES if name in epoch), "") for epoch in history]
    if any(told):
        return told
    # Older versions did not write it down.
    if config.minutes or config.fine_tune != "off":
        return [_UNTOLD] * len(told)
    return ["" if config.solved else "learning_rate"] * len(told)
