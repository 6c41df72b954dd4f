"""The page in the browser: `ursa serve`."""
