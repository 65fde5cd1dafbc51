"""Sentences and the passages they are cited for, in five languages, with what holds of each.

Written for this test, none of it taken from a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

Label = Literal["supported", "unsupported", "contradicted"]


class Pair(NamedTuple):
    language: str
    label: Label
    sentence: str
    passage: str


class _Passage(NamedTuple):
    """A passage with sentences that it supports, that it does not, and that it contradicts."""

    text: str
    supported: tuple[str, ...]
    unsupported: tuple[str, ...]
    contradicted: tuple[str, ...]


_PASSAGES: Final = {
    "English": (
        _Passage(
            "Either party may terminate this agreement with three months' notice to the end of a"
            " quarter. Notice must be given in writing. Termination for good cause remains possible"
            " at any time and does not require a notice period.",
            (
                (
                    "Both parties can terminate the agreement with a notice of 3 months to the"
                    " end of a quarter."
                ),
                "The notice must be in writing.",
                (
                    "Termination for good cause is possible at any time, and no notice period is"
                    " required."
                ),
            ),
            ("Notice may be sent to the registered office by courier or by fax.",),
            (
                (
                    "Either party may terminate this agreement with six months' notice to the end"
                    " of a quarter."
                ),
                "Termination for good cause is not possible at any time.",
                "Notice must never be given in writing.",
            ),
        ),
        _Passage(
            "The turbine is inspected every 2,000 operating hours. Worn blades are replaced by"
            " certified technicians only. The operator records each inspection in the logbook,"
            " which is kept for ten years.",
            (
                (
                    "The operator must record every inspection of the turbine in a logbook kept"
                    " for 10 years."
                ),
                "Only certified technicians replace worn blades.",
                "Inspections of the turbine take place every 2000 operating hours.",
            ),
            ("Lubricant levels are displayed on the control panel in the cabin.",),
            (
                "The turbine is inspected every 3,000 operating hours.",
                "Worn blades are not replaced by certified technicians.",
                "The operator records inspections in the logbook, which is kept for two years.",
            ),
        ),
        _Passage(
            "Data at rest is encrypted with AES-256. Backups are stored in two regions and are"
            " deleted after 35 days. Customers may not export the encryption keys.",
            (
                "Backups are kept in two regions and deleted after 35 days.",
                "Stored data is encrypted at rest using AES-256.",
                "Customers cannot export encryption keys.",
            ),
            ("The status page shows scheduled maintenance two weeks ahead.",),
            (
                "Data at rest is unencrypted.",
                "Customers may export the encryption keys.",
                "Data at rest is encrypted with AES-128.",
            ),
        ),
    ),
    "French": (
        _Passage(
            "Le locataire verse un dépôt de garantie de deux mois de loyer. Le dépôt est restitué"
            " dans un délai de 30 jours après la remise des clés. La sous-location n'est pas"
            " autorisée sans l'accord écrit du bailleur.",
            (
                "Le dépôt de garantie versé par le locataire est de 2 mois de loyer.",
                "Le dépôt est restitué dans les 30 jours suivant la remise des clés.",
                "Sans accord écrit du bailleur, la sous-location n'est pas autorisée.",
            ),
            ("Les charges d'eau et de chauffage sont réparties selon la surface.",),
            (
                "La sous-location est autorisée sans l'accord écrit du bailleur.",
                "Le dépôt est restitué dans un délai de 60 jours après la remise des clés.",
                "Le dépôt n'est jamais restitué après la remise des clés.",
            ),
        ),
        _Passage(
            "Le chiffre d'affaires a augmenté de 4,5 % en 2023 pour atteindre 12,4 millions"
            " d'euros. L'effectif moyen était de 148 salariés. Aucun dividende n'a été versé au"
            " titre de l'exercice.",
            (
                "En 2023, le chiffre d'affaires atteint 12,4 M€, soit une augmentation de 4,5 %.",
                "L'entreprise comptait en moyenne un effectif de 148 salariés.",
                "Aucun dividende n'a été versé pour l'exercice.",
            ),
            ("Le siège de la filiale sera transféré à Lyon au printemps.",),
            (
                "Le chiffre d'affaires a diminué de 4,5 % en 2023.",
                "Un dividende a été versé au titre de l'exercice.",
                "Le chiffre d'affaires a atteint 14,2 millions d'euros en 2023.",
            ),
        ),
    ),
    "German": (
        _Passage(
            "Die Kündigungsfrist beträgt drei Monate zum Quartalsende. Die Kündigung bedarf der"
            " Schriftform. Eine ordentliche Kündigung ist während der Probezeit mit einer Frist von"
            " zwei Wochen möglich.",
            (
                "Es gilt eine Kündigungsfrist von 3 Monaten zum Quartalsende.",
                "Für die Kündigung ist die Schriftform nötig.",
                (
                    "Während der Probezeit kann mit einer Frist von 14 Tagen ordentlich gekündigt"
                    " werden."
                ),
            ),
            ("Überstunden werden mit einem Zuschlag vergütet.",),
            (
                "Die Kündigungsfrist beträgt sechs Monate zum Quartalsende.",
                "Die Kündigung bedarf nicht der Schriftform.",
                "Eine ordentliche Kündigung ist während der Probezeit nicht möglich.",
            ),
        ),
        _Passage(
            "Der Umsatz stieg im 3. Quartal 2023 auf 1.234,5 Mio. EUR. Die Eigenkapitalquote liegt"
            " bei mindestens 40 Prozent. Mitarbeiter erhalten keine Aktienoptionen.",
            (
                "Im dritten Quartal 2023 stieg der Umsatz auf 1.234,5 Millionen Euro.",
                "Die Eigenkapitalquote beträgt mindestens 40 %.",
                "Die Mitarbeiter erhalten keine Aktienoptionen.",
            ),
            ("Der Vorstand plant den Bau einer neuen Fabrik in Leipzig.",),
            (
                "Der Umsatz sank im 3. Quartal 2023 auf 1.234,5 Mio. EUR.",
                "Mitarbeiter erhalten Aktienoptionen.",
                "Die Eigenkapitalquote liegt bei höchstens 40 Prozent.",
            ),
        ),
        _Passage(
            "Der Mieter darf Haustiere nur mit Zustimmung des Vermieters halten. Kleintiere sind"
            " erlaubt. Die Hausordnung ist Bestandteil des Mietvertrags.",
            (
                "Haustiere darf der Mieter nur halten, wenn der Vermieter seine Zustimmung gibt.",
                "Kleintiere sind dem Mieter erlaubt.",
                "Die Hausordnung gehört als Bestandteil zum Mietvertrag.",
            ),
            ("Die Heizkosten werden jährlich abgerechnet.",),
            (
                "Der Mieter darf Haustiere ohne Zustimmung des Vermieters halten.",
                "Kleintiere sind nicht erlaubt.",
                "Die Hausordnung ist kein Bestandteil des Mietvertrags.",
            ),
        ),
    ),
    "Spanish": (
        _Passage(
            "El plazo de entrega es de 15 días hábiles a partir del 1 de marzo de 2024. El"
            " comprador debe pagar dentro de los 30 días siguientes a la factura. No se admiten"
            " devoluciones de productos abiertos.",
            (
                "El plazo de entrega son 15 días hábiles desde el 01/03/2024.",
                "El comprador tiene que pagar en los 30 días siguientes a la factura.",
                "No se admiten devoluciones de productos abiertos.",
            ),
            ("La garantía cubre los defectos de fabricación del motor.",),
            (
                "Se admiten devoluciones de productos abiertos.",
                "El plazo de entrega es de 25 días hábiles.",
                "El comprador nunca debe pagar dentro de los 30 días siguientes a la factura.",
            ),
        ),
        _Passage(
            "Los empleados tienen derecho a 23 días de vacaciones al año. Solo los responsables de"
            " equipo aprueban las vacaciones. Las horas extraordinarias se compensan con descanso.",
            (
                "Cada año los empleados tienen derecho a 23 días de vacaciones.",
                "Las vacaciones solo las aprueban los responsables de equipo.",
                "Se compensan con descanso las horas extraordinarias.",
            ),
            ("El comedor abre por la mañana y ofrece menú vegetariano.",),
            (
                "Los empleados no tienen derecho a 23 días de vacaciones al año.",
                "Las horas extraordinarias no se compensan con descanso.",
                "Los empleados tienen derecho a 32 días de vacaciones al año.",
            ),
        ),
    ),
    "Italian": (
        _Passage(
            "Il canone mensile è di 1.200 euro e va versato entro il giorno 5 di ogni mese. Il"
            " conduttore non può sublocare l'appartamento. Il contratto dura quattro anni.",
            (
                "Il canone di 1200 € al mese va versato entro il 5 di ogni mese.",
                "Il conduttore non può sublocare l'appartamento a terzi.",
                "La durata del contratto è di 4 anni: il contratto dura quattro anni.",
            ),
            ("Le spese condominiali comprendono la pulizia delle scale.",),
            (
                "Il conduttore può sublocare l'appartamento.",
                "Il canone mensile è di 1.300 euro.",
                "Il contratto dura sei anni.",
            ),
        ),
        _Passage(
            "I dati personali sono conservati per dieci anni. Solo il responsabile accede"
            " all'archivio. Le richieste di cancellazione sono evase entro 30 giorni.",
            (
                "I dati personali vengono conservati 10 anni.",
                "Soltanto il responsabile accede all'archivio.",
                "Le richieste di cancellazione vengono evase entro 30 giorni.",
            ),
            ("La newsletter viene spedita ogni settimana agli iscritti.",),
            (
                "I dati personali non sono conservati per dieci anni.",
                "Le richieste di cancellazione sono evase entro 90 giorni.",
                "I dati personali sono conservati per cinque anni.",
            ),
        ),
    ),
}


def pairs() -> Iterator[Pair]:
    """All sentences with their passage."""
    for language, passages in _PASSAGES.items():
        for passage in passages:
            for label, sentences in (
                ("supported", passage.supported),
                ("unsupported", passage.unsupported),
                ("contradicted", passage.contradicted),
            ):
                yield from (Pair(language, label, each, passage.text) for each in sentences)  # type: ignore[arg-type]
