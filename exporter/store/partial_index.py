"""An index of some of a table's rows, in the words that both databases know."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Index
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import DDLCompiler


class PartialIndex(Index):
    """The index `name` on `columns`, of the rows of which `where` is true."""

    # SQLAlchemy's own options for it are those of one database each, and load the code of that database:
    # 2.4 MB for PostgreSQL, which a process with a file never needs.
    inherit_cache = True

    def __init__(self, name: str, *columns: Column[Any], where: ColumnElement[bool]) -> None:
        """Add itself to the table of `columns`."""
        self.where = where
        super().__init__(name, *columns)


@compiles(CreateIndex)
def _compile(create: CreateIndex, compiler: DDLCompiler, **more: Any) -> str:
    text: str = compiler.visit_create_index(create, **more)  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    index = create.element
    if not isinstance(index, PartialIndex):
        return text
    where = compiler.sql_compiler.process(index.where, include_table=False, literal_binds=True)
    return f"{text} WHERE {where}"
