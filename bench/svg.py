"""A little SVG, in colours for a light and for a dark page."""

from __future__ import annotations

from html import escape

WIDTH = 760

THEMES = {
    "light": {"ink": "#1f2328", "soft": "#59636e", "a": "#1a7f37", "b": "#8c959f", "w": "#bc4c00"},
    "dark": {"ink": "#e6edf3", "soft": "#9198a1", "a": "#3fb950", "b": "#656c76", "w": "#db6d28"},
}
_THEMELESS = "<style/>"


def themed(picture: str, theme: str) -> str:
    """The picture in the colours of a theme, its ground transparent."""
    colours = THEMES[theme]
    ink, soft = colours["ink"], colours["soft"]
    kinds = "\n".join(
        f".{kind}{{fill:{c}}} .l{kind}{{fill:none;stroke:{c};stroke-width:2}}"
        for kind, c in ((kind, colours[kind]) for kind in "abw")
    )
    style = f"""<style>
text{{font:13px system-ui,sans-serif;fill:{ink}}} .n{{fill:{soft}}} .h{{font-weight:600}}
.axis{{stroke:{soft};stroke-dasharray:3 3}} .end{{text-anchor:end}} .mid{{text-anchor:middle}}
{kinds}
</style>"""
    return picture.replace(_THEMELESS, style, 1)


class Drawing:
    """Elements from above to below; y is told by who draws."""

    def __init__(self, title: str, note: str) -> None:
        self.parts = [f"<title>{escape(title)}</title>", _THEMELESS]
        self.text(8, 20, title, "h")
        self.text(8, 38, note, "n")

    def text(self, x: float, y: float, words: str, kind: str = "") -> None:
        self.parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>')

    def bar(self, x: float, y: float, width: float, kind: str) -> None:
        size = f'width="{max(width, 1):.1f}" height="14" rx="2"'
        self.parts.append(f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" {size}/>')

    def rule(self, x1: float, y1: float, x2: float, y2: float) -> None:
        ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        self.parts.append(f'<line class="axis" {ends}/>')

    def curve(self, points: list[tuple[float, float]], kind: str) -> None:
        lines = [f"{x:.1f},{y:.1f}" for x, y in points]
        rows = [" ".join(lines[i : i + 6]) for i in range(0, len(lines), 6)]
        self.parts.append(f'<polyline class="l{kind}" points="' + "\n".join(rows) + '"/>')

    def dots(self, points: list[tuple[float, float]], kind: str) -> None:
        for x, y in points:
            self.parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')

    def done(self, height: float) -> str:
        box = f'viewBox="0 0 {WIDTH} {height:.0f}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img">'
        return "\n".join([head, *self.parts, "</svg>"]) + "\n"
