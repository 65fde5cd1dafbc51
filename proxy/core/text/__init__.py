"""The text of an answer on its way out: citations get their numbers, and no link leads out."""

from proxy.core.text.links import LinkRules
from proxy.core.text.machine import AnswerText
from proxy.core.text.numbering import Marker, Numbering

__all__ = ["AnswerText", "LinkRules", "Marker", "Numbering"]
