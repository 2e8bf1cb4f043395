"""`ray start` with everything bound to loopback.

Ray replaces 127.0.0.1 by the machine's outer address and then listens on all of them; the switch that keeps it at home
is meant for laptops, and a node that joins a cluster refuses to start with it. So the address is fixed before Ray
looks, and the switch is set for the processes that Ray starts.
"""

import os
import sys

from ray._private import services

services.get_node_ip_address = lambda address=None: "127.0.0.1"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"

from ray.scripts.scripts import main  # noqa: E402 - after the address is fixed

sys.argv[0] = "ray"
main()
