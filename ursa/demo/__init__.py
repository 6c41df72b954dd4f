"""The sample site: real recordings of nine people, or synthetic ones where those cannot be had."""

from ursa.demo.walkthrough import run

__all__ = ["run"]
