"""Words that turn the meaning of a sentence round: denials, restrictions and pairs of opposites."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxy.core.evidence.lexicon import word_set

NEGATIONS: Final = word_set(
    "not no never cannot nor neither none without nothing nobody unable isn aren wasn don doesn",
    "didn won wouldn shouldn couldn hasn haven impossible prohibited forbidden excluded",
    "pas jamais aucun aucune rien ni sans guere nullement interdit interdite exclu",
    "nicht kein keine keinen keinem keiner keines keinerlei nie niemals nirgends ohne weder nichts",
    "verboten untersagt unzulassig ausgeschlossen unmoglich",
    "nunca jamas sin ningun ninguno ninguna tampoco nada prohibido prohibida excluido",
    "non mai senza nessun nessuno nessuna neanche niente vietato vietata escluso",
)
"""Words that deny; those that forbid do, too."""

RESTRICTIONS: Final = word_set(
    "only solely exclusively nur ausschliesslich lediglich allein seulement uniquement solo",
    "exclusivement solamente unicamente exclusivamente soltanto esclusivamente soli sola",
)

ALWAYS: Final = word_set("always immer stets toujours siempre sempre")

LIKE_ALWAYS: Final = ALWAYS | word_set(
    "every all each jeder jede jedes alle tous toutes chaque todos todas cada tutti tutte ogni",
    "whenever automatically automatisch whole entire",
)
"""Words of a passage that may stand for "always"."""

LIMITS: Final = word_set(
    "later less more fewer only earlier longer than least necessarily mehr spater weniger nur",
    "langer seulement plus tard moins mas menos tarde solo solamente piu meno oltre tardi soltanto",
)
"""Words behind "not" that make it a limit ("no later than") or an addition ("not only")."""

BEFORE_MAY: Final = word_set("im en au bis ab seit de du fin debut anfang ende mitte zum vom am er")
"""Words before "mai", which is May in German and French, and never in Italian."""

_PAIRS: Final = (
    # English
    (
        "increase increases increased rise rises rose grew raise",
        "decrease decreases decreased fall fell falls decline declined drop dropped reduced",
    ),
    ("before", "after"),
    ("minimum least", "maximum most"),
    ("above exceeds", "below"),
    ("includes include included including", "excludes exclude excluding"),
    ("enable enabled enables", "disable disabled disables"),
    ("required mandatory compulsory requires", "optional voluntary"),
    ("public", "private"),
    ("internal", "external"),
    ("true", "false"),
    ("higher", "lower"),
    ("earlier", "later"),
    ("more", "fewer less"),
    ("accept accepted accepts", "reject rejected rejects"),
    ("synchronous", "asynchronous"),
    ("buyer", "seller"),
    ("open", "closed"),
    ("success", "failure"),
    ("gross", "net"),
    ("profit", "loss"),
    ("employer", "employee"),
    ("tenant", "landlord"),
    ("manual manually", "automatic automatically"),
    # French
    ("augmente augmentation hausse", "diminue diminution baisse reduit"),
    ("avant", "apres"),
    ("obligatoire", "facultatif facultative"),
    ("brut", "net"),
    ("inclus incluse compris", "exclus"),
    ("locataire", "bailleur"),
    ("employeur", "salarie"),
    # German
    (
        "erhoht steigt stieg gestiegen erhohen zunahme",
        "gesenkt sinkt sank gesunken senken gefallen",
    ),
    ("mindestens", "hochstens maximal"),
    ("einschliesslich inklusive", "exklusive"),
    ("vermieter", "mieter"),
    ("arbeitgeber", "arbeitnehmer"),
    ("brutto", "netto"),
    ("pflicht verpflichtend", "freiwillig optional"),
    ("offentlich", "privat"),
    ("vor", "nach"),
    # Spanish
    ("aumento aumenta subio", "disminuyo disminuye bajo reduccion"),
    ("antes", "despues"),
    ("obligatorio obligatoria", "opcional voluntario"),
    ("minimo", "maximo"),
    ("inquilino", "propietario"),
    ("comprador", "vendedor"),
    # Italian
    ("aumento aumenta aumentato", "diminuito diminuisce ridotto"),
    ("prima", "dopo"),
    ("obbligatorio obbligatoria", "facoltativo facoltativa"),
    ("minimo", "massimo"),
    ("lordo", "netto"),
    ("locatore", "conduttore"),
)


def _opposites() -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for pair in _PAIRS:
        left, right = map(word_set, pair)
        for words, others in ((left, right), (right, left)):
            found |= {word: found.get(word, frozenset()) | others for word in words}
    return MappingProxyType(found)


OPPOSITES: Final = _opposites()
"""For each word those that say the opposite."""
