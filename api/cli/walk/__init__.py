"""The walk through the main job, over HTTP like any client: deposit, look up, verify, download.

`plan.py` is the whole of it in order. Every step says what it expects; a step that gets something else has
failed, and the walk with it.
"""

from api.cli.walk.plan import Step, Walked, walk

__all__ = ["Step", "Walked", "walk"]
