"""The completion of zsh, by a zsh on a terminal: what it is given to offer for a line."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from pathlib import Path
from types import TracebackType

from manual_pages import offered
from world import World, case, expect

SETUP = r"""
fpath=($BM_FOLDER $fpath)
autoload -Uz compinit
compinit -u -D
# What is offered goes to a file, one to a line; a call with -A, -D or -O offers nothing.
compadd() {
    local -a offered
    if [[ ${*%% -- *} != *(#b)((#s)| )-[ADO](*) ]]; then
        builtin compadd -O offered "$@"
        (( $#offered )) && print -rl -- $offered >>$BM_TOLD
    fi
    builtin compadd "$@"
}
integer lines=0
complete_and_say() { zle complete-word; print -n "\1 $((++lines))\2" }
zle -N complete_and_say
bindkey '^I' complete_and_say
setopt extended_glob no_beep no_auto_list
PS1=
zle-line-init() { print -n '\1 ready\2' }
zle -N zle-line-init
"""


class Zsh:
    """An interactive shell that reads no file of this machine's users."""

    def __init__(self, w: World) -> None:
        self.lines = 0
        self.told = w.folder / "told"
        (w.folder / ".zshrc").write_text(SETUP)
        environment = {
            **os.environ,
            "ZDOTDIR": str(w.folder),
            "BM_FOLDER": str(Path(w.program).resolve().parent),
            "BM_TOLD": str(self.told),
            "TERM": "dumb",
        }
        self.ours, its = pty.openpty()
        self.shell = subprocess.Popen(
            ["zsh", "-d", "-i"], stdin=its, stdout=its, stderr=its, env=environment, cwd=w.folder
        )
        os.close(its)

    def __enter__(self) -> Zsh:
        self._wait("ready")
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.shell.kill()
        self.shell.wait()
        os.close(self.ours)

    def _wait(self, word: str) -> None:
        """Until it says this."""
        shown = b""
        while f"\1 {word}\2".encode() not in shown:
            if not select.select([self.ours], [], [], 60)[0]:
                raise AssertionError(f"zsh says nothing more, after {shown!r}")
            shown += os.read(self.ours, 65536)

    def offers(self, line: str) -> set[str]:
        """What is offered where the line ends."""
        self.told.write_text("")
        os.write(self.ours, b"\x15" + line.encode() + b"\t")
        self.lines += 1
        self._wait(str(self.lines))
        return set(self.told.read_text().split())


@case("sqlite")
def zsh_completes_verbs_options_and_choices(w: World) -> None:
    verbs = offered(w)
    with Zsh(w) as zsh:
        expect(zsh.offers("bulkmodel "), {*verbs, "--help", "--version"})
        expect(zsh.offers("bulkmodel up"), {"update-fields", "upsert"})
        for verb, options in verbs.items():
            names = {*options, *filter(None, options.values())}
            expect((verb, zsh.offers(f"bulkmodel {verb} sqlite:f item -")), (verb, names))
        expect(zsh.offers("bulkmodel create "), {"sqlite:", "postgresql:", "service="})
        w.file("here.db", "")
        expect(zsh.offers("bulkmodel create sqlite:he"), {"here.db"})
        for option in ("--format=", "--format ", "-f "):
            choices = zsh.offers(f"bulkmodel create sqlite:f item {option}")
            expect(choices, {"csv", "tsv", "ndjson", "json"})
        expect(zsh.offers("bulkmodel create sqlite:f item --on-conflict=u"), {"update"})
        expect(zsh.offers("bulkmodel create sqlite:f "), set())
        expect("here.db" in zsh.offers("bulkmodel inspect "), True)
        w.items()
        line = f"{Path(w.program).resolve()} create {w.database} item"
        expect(zsh.offers(f"{line} --key "), {"id", "name", "value", "note"})
        expect(zsh.offers(f"{line} --columns=id,n"), {"name", "note"})
        # What cannot be said twice is not offered twice.
        again = zsh.offers("bulkmodel create sqlite:f item --quiet --qu")
        expect(again, {"--quote"})
