"""How much each kind of feature counts in ``nearest`` and ``patterns``."""

from __future__ import annotations

from pydantic import Field

from wwt_framework.options import PluginOptions


class Weights(PluginOptions):
    """Parts of what is compared; measured on a grid whose causes are known (docs/clustering.md)."""

    code: float = Field(1.0, ge=0, description="how much exit codes count")
    site: float = Field(0.05, ge=0, description="how much sites count")
    type: float = Field(0.1, ge=0, description="how much types of tasks count")
    log: float = Field(0.3, ge=0, description="how much message templates count")

    def as_list(self) -> list[float]:
        """In the order of ``vectors.KINDS``."""
        return [self.code, self.site, self.type, self.log]
