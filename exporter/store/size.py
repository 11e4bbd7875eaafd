"""How large the store is, as its database says."""

from sqlalchemy import Connection, text

# Of SQLite without the log beside the file, which is written into it again and again.
_QUESTIONS = {
    "postgresql": "SELECT pg_database_size(current_database())",
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
}


def size_of(connection: Connection) -> int:
    """Return the bytes of the whole database, other people's tables in it included."""
    return int(connection.execute(text(_QUESTIONS[connection.dialect.name])).scalar_one())
