ln "$1" coins/host.py
ln /etc/passwd coins/users.py
ln /usr/bin/env coins/env.py
ln /opt/journeyman/inside/agent.py coins/agent.py
exit 0
