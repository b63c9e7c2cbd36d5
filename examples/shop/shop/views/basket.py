"""The basket: look, add, remove."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shop import basket, products

bp = Blueprint("basket", __name__, url_prefix="/basket")


@bp.get("/")
def index() -> str:
    return render_template("basket/index.html", basket=basket.summary())


@bp.post("/add/<int:product_id>")
def add(product_id: int) -> Response:
    product = products.find(product_id)
    if product is None:
        abort(404, description="We do not stock that.")
    quantity = request.form.get("quantity", 1, type=int)
    if quantity < 1:
        abort(400, description="How many would you like?")
    if product.stock == 0:
        flash(f"{product.name}: sold out, sorry.")
    else:
        now_in_basket = basket.add(product, quantity)
        flash(f"{product.name}: {now_in_basket} in your basket.")
    return redirect(url_for("basket.index"), code=303)


@bp.post("/remove/<int:product_id>")
def remove(product_id: int) -> Response:
    basket.remove(product_id)
    return redirect(url_for("basket.index"), code=303)
