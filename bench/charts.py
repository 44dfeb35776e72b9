"""Charts of a run, as SVG."""

from __future__ import annotations

from results import Result


def chart(results: list[Result], caption: str) -> str:
    """The ratios of the rows with a target, as bars; the line is where the contender stands."""
    shown = [result for result in results if result.target is not None]
    left, unit, step = 190, 220, 26
    most = 2.0
    height = 64 + step * len(shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" role="img">',
        f"<title>{caption}</title>",
        "<style>text{font:13px system-ui,sans-serif;fill:#1f2328}.n{fill:#59636e}"
        ".b{fill:#1a7f37}.w{fill:#bc4c00}line{stroke:#59636e;stroke-dasharray:3 3}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.n{fill:#9198a1}"
        ".b{fill:#3fb950}.w{fill:#db6d28}line{stroke:#9198a1}}</style>",
        f'<text x="8" y="20">{caption}</text>',
    ]
    for number, result in enumerate(shown):
        y = 36 + step * number
        width = unit * min(result.ratio, most)
        kind = "b" if result.verdict() == "pass" else "w"
        more = " (bar cut)" if result.ratio > most else ""
        label = f"{result.ratio:.2f}{more}, target {result.target:g}"
        parts += [
            f'<text x="8" y="{y + 14}">{result.id}</text>',
            f'<rect class="{kind}" x="{left}" y="{y + 2}" width="{width:.1f}" height="16" rx="2"/>',
            f'<text class="n" x="{left + width + 6:.1f}" y="{y + 14}">{label}</text>',
        ]
    x = left + unit
    parts.append(f'<line x1="{x}" y1="30" x2="{x}" y2="{height - 22}"/>')
    parts.append(f'<text class="n" x="{x - 60}" y="{height - 6}">1.0: the contender</text></svg>')
    return "\n".join(parts) + "\n"
