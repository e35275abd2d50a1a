"""What the document can say only in words: globs, cursors that only the server can make, how numbers are written."""

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
        return {name: map_body(context, value) for name, value in body.items()}
    return body
