"""A little SVG, that is read on light and on dark."""

from __future__ import annotations

from html import escape

WIDTH = 760

_STYLE = """<style>
text{font:13px system-ui,sans-serif;fill:#1f2328} .n{fill:#59636e} .h{font-weight:600}
.axis{stroke:#59636e;stroke-dasharray:3 3} .end{text-anchor:end} .mid{text-anchor:middle}
.a{fill:#1a7f37} .b{fill:#8c959f} .w{fill:#bc4c00}
.la{stroke:#1a7f37} .lb{stroke:#8c959f} .lw{stroke:#bc4c00}
.la,.lb,.lw{fill:none;stroke-width:2}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3} .n{fill:#9198a1} .axis{stroke:#9198a1}
.a{fill:#3fb950} .b{fill:#656c76} .w{fill:#db6d28}
.la{stroke:#3fb950} .lb{stroke:#656c76} .lw{stroke:#db6d28}}
</style>"""


class Drawing:
    """Elements from above to below; y is told by who draws."""

    def __init__(self, title: str, note: str) -> None:
        self.parts = [f"<title>{escape(title)}</title>", _STYLE]
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
