"""What a queryset remembers of the rows that it read."""

from typing import Any

from app.models import Document
from bulkmodel.model.attributes import MISSING
from bulkmodel.model.snapshot import Snapshot


class Uncopyable:
    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("cannot be copied")


def test_values_that_cannot_be_copied_are_read_and_written() -> None:
    snapshot = Snapshot(
        Document, [Document(pk=1, name="a", body=Uncopyable())], "default", alike=True
    )
    assert snapshot.columns["body"] == [MISSING]
    assert snapshot.columns["name"] == ["a"]
