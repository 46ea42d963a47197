"""The words in which a room describes what it takes and answers: as much of JSON Schema and OpenAPI as is needed."""

from __future__ import annotations

STRING, BOOLEAN, INTEGER, NUMBER = ({"type": kind} for kind in ("string", "boolean", "integer", "number"))
TIME = {"type": "string", "format": "date-time", "description": "ISO 8601 in the site's time zone"}


def form(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: dict) -> dict:
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def exactly(**properties: dict) -> dict:
    """All properties are always there, and no others."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def array(items: dict, description: str = "") -> dict:
    schema = {"type": "array", "items": items}
    return {**schema, "description": description} if description else schema


def one_of(*values: str) -> dict:
    return {"type": "string", "enum": [*values]}


def keyed(values: dict) -> dict:
    return {"type": "object", "additionalProperties": values}


TEXT = form("Text")
RISK = one_of("red", "orange", "yellow", "blue")
PRIORITY = {"type": "integer", "minimum": 1, "maximum": 4, "description": "1 is the most urgent"}
COUNTERS = keyed(INTEGER)
TYPED = {"type": "string", "minLength": 1, "maxLength": 80,
         "description": "who does it: needed without an account; with one it is only a note"}


# operations of a path

def answer(description: str, schema: str, kind: str = "application/json") -> dict:
    return {"description": description, "content": {kind: {"schema": form(schema)}}}


def answer_with(description: str, **properties: dict) -> dict:
    """An answer whose form has no name of its own."""
    return {"description": description, "content": {"application/json": {"schema": exactly(**properties)}}}


def text(description: str, kind: str) -> dict:
    return {"description": description, "content": {kind: {"schema": STRING}}}


BAD_REQUEST = answer("a parameter is out of range", "Error")
UNKNOWN = answer("no such signal or alarm", "Error")


def get(summary: str, answered: dict, *parameters: dict, **others: dict) -> dict:
    described = {"summary": summary, "responses": {"200": answered, **others}}
    return {**described, "parameters": [*parameters]} if parameters else described


def post(summary: str, asked: str, answered: dict, *parameters: dict, **others: dict) -> dict:
    described = {"summary": summary, "requestBody": {
        "required": True, "content": {"application/json": {"schema": form(asked)}}},
        "responses": {"200": answered, "400": BAD_REQUEST, **others,
                      "403": answer("the request comes from another web page", "Error"),
                      "413": answer("the request is too large", "Error"),
                      "415": answer("the request is not JSON", "Error"),
                      "503": answer("can not be done now; try again", "Error")}}
    return {**described, "parameters": [*parameters]} if parameters else described


def query(name: str, schema: dict, description: str, *, required: bool = False) -> dict:
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": description}


def path(name: str, description: str) -> dict:
    return {"name": name, "in": "path", "required": True, "schema": STRING, "description": description}
