"""A column whose case is compared as that of ASCII letters, which PostgreSQL does in half the time."""

from typing import Any

from sqlalchemy import Column, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class PlainCase(FunctionElement[str]):
    """The column `column`; only an ASCII text may be looked for in it: letters such as É differ by case."""

    inherit_cache = True
    type = String()

    def __init__(self, column: Column[Any]) -> None:
        """Wrap `column`."""
        super().__init__(column)


@compiles(PlainCase)
def _compile(element: PlainCase, compiler: SQLCompiler, **more: Any) -> str:
    # SQLite knows no other letters anyway.
    return str(compiler.process(element.clauses, **more))


@compiles(PlainCase, "postgresql")
def _compile_with_collation(element: PlainCase, compiler: SQLCompiler, **more: Any) -> str:
    return f'{_compile(element, compiler, **more)} COLLATE "C"'
