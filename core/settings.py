"""What all groups of settings have in common."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A group of settings: no names beside its own, finite numbers only, never changed after it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
