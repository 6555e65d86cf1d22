"""Check files, store them as jobs, undo them, and delete what is left of old ones."""

from operations.imports.services.check import (
    FileCheck,
    InvalidChoices,
    check_file,
    choices_of,
    read_choices,
)
from operations.imports.services.check_job import (
    CHECK_JOB_KIND,
    check_of,
    outcome_of,
    start_check,
)
from operations.imports.services.draft import (
    FileTooLarge,
    check_draft,
    choose,
    create_draft,
    is_long,
)
from operations.imports.services.places import NotReadable
from operations.imports.services.plain import plain_target
from operations.imports.services.repeat import (
    AUTOMATIONS,
    KINDS,
    LOOK_JOB_KIND,
    check_repeating,
    look,
    repeat_import,
    request_look,
)
from operations.imports.services.replaced import EARLIER, keeping, put_back
from operations.imports.services.store import (
    JOB_KIND,
    NotStorable,
    preview_undo,
    purge,
    start,
    store_checked,
    store_file,
    undo,
)
