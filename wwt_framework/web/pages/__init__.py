"""The pages. Each module has ``mount(app) -> {path: handler}``; a path that ends in ``/*`` stands for all below it."""
