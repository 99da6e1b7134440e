// A module without the entry point of its name.
extern "C" int tandem_plugin_something_else(void);
extern "C" int tandem_plugin_something_else(void) { return 0; }
