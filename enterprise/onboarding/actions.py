"""The names of what automation can do for a step; `services.actions` does it. Pure."""

CREATE_CUSTOMER = "create_customer"
ASSIGN_SLA = "assign_sla"
SET_UP_ENVIRONMENT = "set_up_environment"
CREATE_API_KEY = "create_api_key"
CHECK_HEALTH = "check_health"
ACTIONS = (CREATE_CUSTOMER, ASSIGN_SLA, SET_UP_ENVIRONMENT, CREATE_API_KEY, CHECK_HEALTH)
