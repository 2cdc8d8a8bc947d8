from django.urls import path

from chat import views

app_name = "chat"
urlpatterns = [
    path("girls/<slug:slug>/chat/", views.start, name="start"),
    path("girls/<slug:slug>/block/", views.block, name="block"),
    path("girls/<slug:slug>/unblock/", views.unblock, name="unblock"),
    path("feed/", views.feed, name="feed"),
    path("chat/", views.thread_list, name="threads"),
    path("chat/latest/", views.latest, name="latest"),
    path("chat/threads/", views.threads, name="threads_json"),
    path("chat/search/", views.search, name="search"),
    path("chat/unread/", views.unread, name="unread"),
    path("chat/session/", views.session, name="session"),
    path("chat/permits/", views.mint_permit, name="permits"),
    path("chat/<uuid:pk>/", views.conversation, name="conversation"),
    path("chat/<uuid:pk>/state/", views.state, name="state"),
    path("chat/<uuid:pk>/messages/", views.said, name="messages"),
    path("chat/<uuid:pk>/messages/<uuid:message>/report/", views.report, name="report"),
    path("chat/<uuid:pk>/read/", views.read, name="read"),
    path("chat/<uuid:pk>/retry/", views.retry, name="retry"),
    path("chat/<uuid:pk>/stop/", views.stop, name="stop"),
    path("chat/<uuid:pk>/go-on/", views.go_on, name="go_on"),
    path("chat/<uuid:pk>/delete/", views.delete, name="delete"),
    path("chat/<uuid:pk>/restore/", views.restore, name="restore"),
]
