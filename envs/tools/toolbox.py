"""Every tool by its name. The names are those of `journeyman.envs.actions.TOOLS`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from journeyman.envs.tools.edit import EditTool
from journeyman.envs.tools.outline import OutlineTool
from journeyman.envs.tools.plan import PlanTool
from journeyman.envs.tools.report import ReportTool
from journeyman.envs.tools.run import RunTool
from journeyman.envs.tools.search import SearchTool
from journeyman.envs.tools.test import TestTool
from journeyman.envs.tools.tool import Tool
from journeyman.envs.tools.view import ViewTool
from journeyman.envs.tools.write import WriteTool

TOOLBOX: Mapping[str, Tool] = MappingProxyType(
    {
        "plan": PlanTool(), "view": ViewTool(), "search": SearchTool(), "outline": OutlineTool(), "edit": EditTool(),
        "write": WriteTool(), "run": RunTool(), "test": TestTool(), "report": ReportTool(),
    }
)  # fmt: skip
