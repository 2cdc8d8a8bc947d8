from django.urls import path

from safety import views

app_name = "safety_reports"
urlpatterns = [path("account/reports/", views.reports, name="mine")]
