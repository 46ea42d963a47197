"""As much of JSON Schema as openapi.py uses; an unknown keyword is an error, so that nothing goes unchecked."""

from __future__ import annotations

KINDS = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "object": dict, "array": list,
         "null": type(None)}
KNOWN = {"$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "minimum",
         "maximum", "minLength", "maxLength", "format", "description"}


def faults(value: object, schema: dict, schemas: dict, at: str = "$") -> list[str]:
    """Everything in `value` that `schema` does not allow, as "where: what"."""
    assert set(schema) <= KNOWN, f"{at}: keywords {set(schema) - KNOWN} are not checked"
    if "$ref" in schema:
        return faults(value, schemas[schema["$ref"].removeprefix("#/components/schemas/")], schemas, at)
    if "anyOf" in schema:
        return [] if any(not faults(value, one, schemas, at) for one in schema["anyOf"]) else [f"{at}: fits none"]
    found = []
    if "type" in schema:
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(isinstance(value, KINDS[kind]) and (kind == "boolean") == isinstance(value, bool) for kind in kinds):
            return [f"{at}: {value!r} is not {kinds}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is not one of {schema['enum']}")
    if "minimum" in schema and not schema["minimum"] <= value <= schema.get("maximum", value):
        found.append(f"{at}: {value!r} is out of range")
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        found += [f"{at}: {key} is missing" for key in schema.get("required", ()) if key not in value]
        for key, inside in value.items():
            if key in properties:
                found += faults(inside, properties[key], schemas, f"{at}.{key}")
            elif others is False:
                found.append(f"{at}: {key} is not described")
            elif isinstance(others, dict):
                found += faults(inside, others, schemas, f"{at}.{key}")
    if isinstance(value, list) and "items" in schema:
        for row, inside in enumerate(value):
            found += faults(inside, schema["items"], schemas, f"{at}[{row}]")
    return found
