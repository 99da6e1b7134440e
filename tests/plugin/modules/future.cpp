// A plugin of another ABI major: nothing behind the version in its table may be read.
#include "tandem/abi.h"

extern "C" const td_plugin* tandem_plugin_future(void);
extern "C" const td_plugin* tandem_plugin_future(void) {
  static td_plugin table{};
  table.size = sizeof(td_plugin);
  table.abi_major = 99;
  table.abi_minor = 7;
  return &table;
}
