"""`certvault bench`: what a vault does in a second, each figure beside a reference measured in the same run."""
