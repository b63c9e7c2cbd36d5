"""The basket, which lives in the session: product ids and how many of each."""

from __future__ import annotations

from dataclasses import dataclass

from flask import session

from . import pricing, products
from .pricing import Quote
from .products import Product


@dataclass(frozen=True)
class Line:
    product: Product
    quote: Quote


@dataclass(frozen=True)
class Summary:
    lines: list[Line]
    subtotal: int
    saving: int
    delivery: int

    @property
    def total(self) -> int:
        return self.subtotal + self.delivery


def add(product: Product, quantity: int) -> int:
    """Put so many in, as far as the stock goes; return how many are now there."""
    quantities = load()
    quantities[product.id] = min(quantities.get(product.id, 0) + quantity, product.stock)
    save(quantities)
    return quantities[product.id]


def remove(product_id: int) -> None:
    quantities = load()
    quantities.pop(product_id, None)
    save(quantities)


def count() -> int:
    return sum(load().values())


def summary() -> Summary:
    lines = []
    for product_id, quantity in load().items():
        product = products.find(product_id)
        if product is not None:
            lines.append(Line(product, products.quote(product, quantity)))
    subtotal = sum(line.quote.total for line in lines)
    return Summary(
        lines=lines,
        subtotal=subtotal,
        saving=sum(line.quote.saving for line in lines),
        delivery=pricing.delivery(subtotal),
    )


# The session is JSON, whose keys are strings.


def load() -> dict[int, int]:
    return {int(key): quantity for key, quantity in session.get("basket", {}).items()}


def save(quantities: dict[int, int]) -> None:
    session["basket"] = {str(key): quantity for key, quantity in quantities.items()}
