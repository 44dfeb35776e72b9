#!/usr/bin/env bash
# The same insert() and the same rows: a connection takes the keys of the first row and drops those
# that others have more, and stores None as NULL; a session keeps all, and None becomes the default.
cd "$(dirname "$0")" && . ./lib.sh
packages SQLAlchemy==2.1.9
seen=$(py <<'PY'
import sqlalchemy
from sqlalchemy import orm


class Base(orm.DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "t"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    state: orm.Mapped[str | None] = orm.mapped_column(server_default="new")
    refund: orm.Mapped[int | None]


db = sqlalchemy.create_engine("sqlite://")
Base.metadata.create_all(db)
for rows in ([{"id": 1}, {"id": 2, "refund": 7}], [{"id": 1, "state": None}]):
    for session in (True, False):
        with orm.Session(db) as work:
            (work if session else work.connection()).execute(sqlalchemy.insert(Row), rows)
            last = sqlalchemy.select(Row.state, Row.refund).order_by(Row.id.desc())
            print(tuple(work.execute(last).first()), end=" ")
PY
)
report "('new', 7) or an error, and None, twice the same" \
    "('new', 7) ('new', None) ('new', None) (None, None)" "${seen% }"
