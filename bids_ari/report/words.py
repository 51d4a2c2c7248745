"""Numbers as people read them, rounded so that what they claim stays true."""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

MINUS = "\N{MINUS SIGN}"
_NO_BREAK = "\N{NO-BREAK SPACE}"
_THREE = Decimal("0.001")


def count(number: int) -> str:
    """
    Write a count with separators.

    Examples
    --------
    >>> count(35676)
    '35,676'
    """
    return f"{number:,}"


def proportion(part: int, whole: int) -> str:
    """
    Write a lower bound on a proportion, rounded down.

    Computed in integers: in floating point 7 / 10 is less than 0.7 in some precisions. Where
    three decimals would read as nothing, more are given.

    Examples
    --------
    >>> proportion(1999, 4000), proportion(2000, 4000), proportion(3, 250000)
    ('0.499', '0.500', '0.00001')
    """
    if part <= 0 or whole <= 0:
        return "0"
    decimals = 3
    while part * 10**decimals // whole == 0:
        decimals += 1
    scaled = part * 10**decimals // whole
    return f"{scaled // 10**decimals}.{scaled % 10**decimals:0{decimals}d}"


def signed(number: float, decimals: int = 2) -> str:
    """Write a number with a real minus sign."""
    text = f"{number:.{decimals}f}"
    return text.replace("-", MINUS) if float(text) else text.removeprefix("-")


def position(mm: tuple[float, float, float]) -> str:
    """Write coordinates in mm with one decimal."""
    return ", ".join(signed(coordinate, 1) for coordinate in mm)


def volume(mm3: float) -> str:
    """
    Write a volume given in mm3, in cm3 where that is easier to read.

    Examples
    --------
    >>> volume(912), volume(963252)
    ('912 mm³', '963 cm³')
    """
    return f"{mm3:,.0f} mm³" if mm3 < 100_000 else f"{mm3 / 1000:,.0f} cm³"


def percent(share: float) -> str:
    """
    Write a confidence as a percentage.

    Examples
    --------
    >>> percent(0.95), percent(0.999)
    ('95 %', '99.9 %')
    """
    return f"{100 * share:.6g} %"


def beyond(threshold: float, alternative: str) -> str:
    """
    Write the condition that a voxel of a cluster meets.

    Examples
    --------
    >>> beyond(3.1, "two-sided"), beyond(3.0, "greater"), beyond(3.0, "less")
    ('|z| > 3.1', 'z > 3', 'z < -3')
    """
    statistic = {"two-sided": "|z| > ", "greater": "z > ", "less": "z < -"}[alternative]
    return f"{statistic}{threshold:.10g}"


def chosen(threshold: float) -> float:
    """
    Shorten a threshold that the data chose, down: what lies beyond it still does.

    Examples
    --------
    >>> chosen(2.9829435348510738)
    2.982
    """
    return float(Decimal(repr(threshold)).quantize(_THREE, ROUND_FLOOR))


def p_value(p: Decimal | None) -> str:
    """
    Write a p-value, rounded up.

    Examples
    --------
    >>> p_value(Decimal("0.050417")), p_value(Decimal("0.05")), p_value(Decimal("0.000253"))
    ('0.051', '0.050', '< 0.001')
    """
    if p is None:
        return "n/a"
    return "< 0.001" if p < _THREE else f"{p.quantize(_THREE, ROUND_CEILING)}"


def share(part: float, whole: float = 1) -> str:
    """
    Write a share that is no bound as a percentage; only nothing is 0 and only all is 100.

    Examples
    --------
    >>> share(0, 1000), share(1, 100_000), share(123, 1000), share(99_999, 100_000)
    ('0 %', '< 0.1 %', '12.3 %', '> 99.9 %')
    """
    if part in {0, whole} or whole == 0:
        return "100 %" if part else "0 %"
    rounded = round(100 * part / whole, 1)
    if rounded == 0:
        return "< 0.1 %"
    return "> 99.9 %" if rounded == 100 else f"{rounded:g} %"


def number_of(n: int, singular: str, plural: str | None = None) -> str:
    """
    Write a count with its noun.

    Examples
    --------
    >>> number_of(1, "cluster"), number_of(1200, "cluster")
    ('1 cluster', '1,200 clusters')
    """
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def some(names: list[str], most: int = 5) -> str:
    """
    List a few names and count the rest.

    Examples
    --------
    >>> some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def typeset(text: str) -> str:
    """Use the signs and the unbreakable spaces that a log cannot show."""
    text = text.replace(">=", "≥").replace("< -", f"< {MINUS}")
    return re.sub(
        r"(?<=\d) (?=%)|(?<=[≥<>]) (?=\S)|(?<=z) (?=[<>])|(?<=\|) (?=>)", _NO_BREAK, text
    )
