"""The page and the JSON API.

view        what the API needs to see of a running gateway
present     read models: the gateway's objects as JSON-ready documents, pure
stream      one event stream for all viewers
routes      the HTTP surface
openapi     its description
guard       who may talk to it
server      served inside the running loop, on loopback
prometheus  metrics as text
answer      JSON and errors as responses
static/     the page: HTML, CSS, JavaScript of our own
"""
