"""The verbs of `DataInterface`, a class for each group of them."""
