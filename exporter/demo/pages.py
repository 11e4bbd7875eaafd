"""Which page of a program a browser gets something from: Debian's packages leave some of them out."""

import aiohttp

LACKING = "does not include"
"""What Debian's Alertmanager says in place of its web application."""


async def first_page(base: str, *paths: str) -> str:
    """Return the URL of the first of `paths` that answers with what it is for, else that of the last one."""
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for path in paths[:-1]:
            try:
                async with session.get(base + path) as answer:
                    if answer.status == 200 and LACKING not in await answer.text(errors="replace"):
                        return base + path
            except (aiohttp.ClientError, TimeoutError):
                continue
    return base + paths[-1]
