"""How the tests read an OpenAPI document."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator, FormatChecker
from rest_framework.renderers import JSONRenderer

Fragment = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")


class Operation(NamedTuple):
    path: str
    method: str
    content: Fragment

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


def generated(urlconf: str | None = None) -> tuple[Fragment, list[str]]:
    """The document of a URLconf, and what the generator complained of."""
    GENERATOR_STATS.reset()
    generator: Any = SchemaGenerator
    with GENERATOR_STATS.silence():
        made = generator(urlconf=urlconf).get_schema(request=None, public=True)
    document: Fragment = json.loads(JSONRenderer().render(made))
    complaints = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    GENERATOR_STATS.reset()
    return document, complaints


def operations(document: Fragment) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield Operation(path, method, item[method])


def request_schema(operation: Operation) -> Fragment | None:
    body = operation.content.get("requestBody")
    return body["content"]["application/json"] if body else None


def faults(value: object, schema: Fragment, document: Fragment) -> list[str]:
    """Why a value does not fit a schema of the document; nothing where it does."""
    whole = {**schema, "components": document["components"]}
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(value)]


def example(content: Fragment) -> Any:
    """The example's value; KeyError where there is none."""
    return content["examples"]["example"]["value"]


def faults_of_examples(document: Fragment) -> list[str]:
    """Every call without an example, and every example that does not fit."""
    found = []
    for operation in operations(document):
        contents = {
            f"answer {code}": answer["content"]["application/json"]
            for code, answer in operation.content["responses"].items()
        }
        if body := request_schema(operation):
            contents["request"] = body
        for name, content in contents.items():
            if "examples" not in content:
                found.append(f"{operation}, {name}: no example")
                continue
            reasons = faults(example(content), content["schema"], document)
            found += [f"{operation}, {name}: {reason}" for reason in reasons]
    return found


def dumped(value: object) -> str:
    """JSON text, with lone surrogates as escapes."""
    return json.dumps(value, ensure_ascii=True)
