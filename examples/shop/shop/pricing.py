"""What things cost. Pure functions over whole pence: no database, no request."""

from __future__ import annotations

from dataclasses import dataclass

# Percent off the list price, by offer.
OFFER_PERCENT = {
    "regular": 0,
    "weekend": 10,
    "clearance": 40,
}

# Further percent off for so many or more of one product, most first.
# What is on clearance is not reduced twice.
BULK_BREAKS: dict[str, tuple[tuple[int, int], ...]] = {
    "regular": ((12, 10), (6, 5)),
    "weekend": ((12, 5),),
    "clearance": (),
}

DELIVERY = 3_50
FREE_DELIVERY_FROM = 30_00


@dataclass(frozen=True)
class Quote:
    """The price of so many of one product."""

    quantity: int
    each: int
    total: int
    saving: int


def quote(price: int, offer: str, quantity: int) -> Quote:
    each = percent_off(sale_price(price, offer), bulk_percent(offer, quantity))
    return Quote(
        quantity=quantity,
        each=each,
        total=each * quantity,
        saving=(price - each) * quantity,
    )


def price_table(price: int, offer: str) -> list[Quote]:
    """A quote for each quantity at which the price of one changes."""
    return [quote(price, offer, quantity) for quantity in bulk_quantities(offer)]


def sale_price(price: int, offer: str) -> int:
    """The price of one, with its offer."""
    return percent_off(price, OFFER_PERCENT[offer])


def bulk_percent(offer: str, quantity: int) -> int:
    for least, percent in BULK_BREAKS[offer]:
        if quantity >= least:
            return percent
    return 0


def bulk_quantities(offer: str) -> list[int]:
    return [1, *sorted(least for least, _ in BULK_BREAKS[offer])]


def percent_off(amount: int, percent: int) -> int:
    """Take ``percent`` off; half a penny goes to the customer."""
    return amount - (amount * percent + 50) // 100


def delivery(subtotal: int) -> int:
    if subtotal == 0 or subtotal >= FREE_DELIVERY_FROM:
        return 0
    return DELIVERY


def format_money(pence: int, currency: str) -> str:
    return f"{currency}{pence // 100}.{pence % 100:02}"
