"""The edge over a whole vault: requests as clients and browsers send them."""
