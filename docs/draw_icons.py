"""Draw the icons of the app at the door, static/img/door-*.png: a door ajar, in the portal's green.

.venv/bin/python docs/draw_icons.py
"""

from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parent.parent / "static" / "img"
GREEN, WHITE = "#0b6e4f", "#ffffff"
#: Drawn so much larger, then shrunk: smooth edges.
SCALE = 4


def draw(size: int, *, maskable: bool) -> Image.Image:
    """Return the icon; a maskable one fills its square, since each phone cuts its own shape out of it."""
    side = size * SCALE
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    unit = side / 100
    pen.rounded_rectangle((0, 0, side, side), radius=0 if maskable else 22 * unit, fill=GREEN)
    pen.rectangle((30 * unit, 22 * unit, 70 * unit, 78 * unit), outline=WHITE, width=round(4 * unit))
    leaf = [(34, 22), (58, 30), (58, 86), (34, 78)]
    pen.polygon([(x * unit, y * unit) for x, y in leaf], fill=WHITE)
    pen.ellipse((50 * unit, 55 * unit, 55 * unit, 60 * unit), fill=GREEN)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def main() -> None:
    draw(192, maskable=False).save(FOLDER / "door-192.png", optimize=True)
    draw(512, maskable=False).save(FOLDER / "door-512.png", optimize=True)
    draw(512, maskable=True).save(FOLDER / "door-maskable.png", optimize=True)


if __name__ == "__main__":
    main()
