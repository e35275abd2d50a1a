"""What the document can say only in words: globs, cursors that only the server can make, times that have passed, how
numbers are written."""

import schemathesis
from hypothesis import strategies

schemathesis.openapi.format("glob", strategies.sampled_from(["*", "news*", "chat:?", "{a,b}:*", "[a-z]*", ""]))
schemathesis.openapi.format("cursor", strategies.just(""))


@schemathesis.hook
def map_body(context, body):
    """Writes 3.0 as 3: to JSON Schema both are whole numbers, to the server, as to Centrifugo, only the latter."""
    if isinstance(body, float) and body.is_integer():
        return int(body)
    if isinstance(body, list):
        return [map_body(context, item) for item in body]
    if isinstance(body, dict):
        return {name: 0 if has_passed(name, value) else map_body(context, value) for name, value in body.items()}
    return body


def has_passed(name, value):
    """Whether this is a time at which a subscription ended: such a request is refused, and a schema knows no clock."""
    return name == "expire_at" and isinstance(value, (int, float)) and 0 < value < 10_000_000_000
