"""Marked names, numbers, codes and tokens go through every route; none may stand in clear anywhere after."""
