"""The clerk's desk: one page, and the forms that it sends to itself.

No number of anybody and no case's stands in an address: a case is named by its place on the clerk's own
sheet, which is random and opens nothing for anybody else.
"""

from api.pages.desk.routes import router

__all__ = ["router"]
