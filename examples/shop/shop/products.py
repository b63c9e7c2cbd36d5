"""The goods: finding them, and asking ``pricing`` what they cost."""

from __future__ import annotations

from dataclasses import dataclass

from . import pricing
from .db import get_db


@dataclass(frozen=True)
class Product:
    id: int
    name: str
    description: str
    price: int
    offer: str
    stock: int

    @property
    def sale_price(self) -> int:
        return pricing.sale_price(self.price, self.offer)

    @property
    def reduced(self) -> bool:
        return self.sale_price < self.price


def find(product_id: int) -> Product | None:
    row = get_db().execute("SELECT * FROM product WHERE id = ?", (product_id,)).fetchone()
    return None if row is None else Product(**row)


def everything() -> list[Product]:
    rows = get_db().execute("SELECT * FROM product ORDER BY id")
    return [Product(**row) for row in rows]


def on_offer(offer: str) -> list[Product]:
    rows = get_db().execute("SELECT * FROM product WHERE offer = ? ORDER BY id", (offer,))
    return [Product(**row) for row in rows]


def search(words: str) -> list[Product]:
    """The products that have each of ``words`` in their name or description."""
    found = everything()
    for word in words.casefold().split():
        found = [p for p in found if word in f"{p.name} {p.description}".casefold()]
    return found


def price_table(product: Product) -> list[pricing.Quote]:
    return pricing.price_table(product.price, product.offer)


def quote(product: Product, quantity: int) -> pricing.Quote:
    return pricing.quote(product.price, product.offer, quantity)
